"""The durable queue: ledger, scheduler, runner, events."""
