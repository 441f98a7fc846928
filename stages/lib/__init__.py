"""The nouns, in wings; each wing's own docstring tells what lives there and what it may import."""

import warnings

# Paddle says at every import that it could compile faster, where nothing is compiled; and of every batch normalization
# that it does what its own documentation says
warnings.filterwarnings("ignore", message="No ccache found|When training, we now always track")
