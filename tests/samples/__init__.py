"""Samples: the stories tell what they say they tell, and reports find what the stories declare."""
