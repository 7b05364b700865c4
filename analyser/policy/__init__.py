"""Rule packs and site files to model, with every error at once and its place."""
