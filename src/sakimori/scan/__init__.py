"""Looks inside a file, image, package list or stream and says what is in it, wherever the bytes came from."""
