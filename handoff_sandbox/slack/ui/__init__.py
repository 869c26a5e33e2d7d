"""Acts for people in Slack: messages, buttons, menus, modals and commands."""
