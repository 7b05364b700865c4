"""The benchmark keeps its promises."""
