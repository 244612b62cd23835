"""What the network sees: validates, queues and answers; never executes a client's code."""
