"""tfpt: do this PyTorch code and this TensorFlow/Keras code mean the same thing?"""

__version__ = "0.1.0"
