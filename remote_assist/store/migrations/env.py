"""Run by alembic. The connection, with its open transaction, is handed in by ``store.database``."""

from alembic import context

from remote_assist.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things in place; batch mode copies the table.
    render_as_batch=True,
)
context.run_migrations()
