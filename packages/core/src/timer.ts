/** A timer that does not keep the process alive. Where timers are numbers there is no process to keep. */
export function unheld(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  ;(timer as { unref?(): void }).unref?.()
  return timer
}
