"""The project as a whole: layers, packaging, documents, notebook."""
