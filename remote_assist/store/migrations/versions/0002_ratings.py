"""ratings of closed sessions."""

from alembic import op
import sqlalchemy as sa


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ratings',
    sa.Column('session_id', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=40), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('stars', sa.Integer(), nullable=True),
    sa.Column('is_solved', sa.Boolean(), nullable=True),
    sa.Column('comment', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['session_id'], ['sessions.id'], name=op.f('fk_ratings_session_id_sessions')),
    sa.PrimaryKeyConstraint('session_id', 'role', name=op.f('pk_ratings'))
    )


def downgrade() -> None:
    op.drop_table('ratings')
