"""What helps an agent while a conversation goes on: drafts, a running gist, how it may be filed."""
