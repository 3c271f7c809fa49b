// What is chosen and shown here is part of the workflow: for undo, and for a tab that comes back.
import { app } from "../../../scripts/app.js";

// The frontend looks by itself after clicks on its canvas, which the gallery keeps to itself.
export function writeDown() {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  if (tracker?.captureCanvasState) tracker.captureCanvasState();
  else tracker?.checkState?.();
}
