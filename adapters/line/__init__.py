"""Chats with an official account on LINE."""
