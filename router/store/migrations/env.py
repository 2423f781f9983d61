"""Alembic's entry point: runs on the connection that the store hands over."""

from alembic import context

from router.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=True, user_module_prefix=""
)
with context.begin_transaction():
    context.run_migrations()
