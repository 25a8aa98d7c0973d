"""What the queue's screen is made of, beside the screen itself."""
