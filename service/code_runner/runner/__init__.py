"""What happens in one slot: the agent is PID 1, the warm interpreter forks a child for each run."""
