/** Asks until it is answered, for ten seconds. False: it was not. */
export async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isAnswered = await ask().then(
      () => true,
      () => false,
    )
    if (isAnswered) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
