"""The nouns, in wings; each wing's own docstring tells what lives there and what it may import."""

import warnings

# Paddle says at every import that it could compile faster; nothing is compiled here
warnings.filterwarnings("ignore", message="No ccache found")
