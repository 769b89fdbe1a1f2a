"""liqbot: a trading bot that follows predicted liquidation clusters.

decode -> decide -> record -> act. One task owns all state; a pure core decides; every
decision is on disk before anything leaves; the world answers with events.
"""

__version__ = "1.1.0"
