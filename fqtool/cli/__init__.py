"""What all commands share: options, printing, completion, interrupts, tracing."""
