"""The services stage: labels, announced ports, requests, refusals."""
