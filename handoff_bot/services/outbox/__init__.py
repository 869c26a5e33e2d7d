"""What is shown in Slack and in connected systems: jobs that post, update and render."""
