"""What a service needs around the bot: systemd, the control socket, the watchdog."""
