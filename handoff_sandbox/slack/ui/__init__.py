"""Acts as people do in Slack: messages, buttons, menus, modals and commands."""
