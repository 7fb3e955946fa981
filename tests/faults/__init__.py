"""The fault suite: every command is failed at each of its requests, and has to be carried on."""
