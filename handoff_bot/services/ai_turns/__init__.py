"""What happens with a customer's message: stored, evaluated, answered or escalated."""
