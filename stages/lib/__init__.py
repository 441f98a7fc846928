"""The nouns that the stages share. Modules here import each other without cycles and never import a stage."""

import warnings

# Paddle says at every import that it could compile faster; nothing is compiled here
warnings.filterwarnings("ignore", message="No ccache found")
