"""What all subjects know of layers: parameters that correspond, their layouts, fans, and what fills them."""
