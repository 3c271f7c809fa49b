"""When ComfyUI's page has started: only then does it keep a workflow that it is given."""

READY = """() => window.app?.graph && window.LiteGraph
    && window.app.extensionManager?.spinner === false"""
"""Some frontends (1.49) have a graph while they still load their first workflow, which would take
the place of one that is loaded meanwhile; what is selected then, no panel hears of. They show a
spinner until they are done."""
