"""What AWS charges for a stack a month, from the resources that its program creates."""
