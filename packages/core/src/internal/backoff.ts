/** Milliseconds to wait after so many attempts: 2 seconds, doubled each time, ten minutes at most. */
export const backoffMillis = (attempts: number): number => Math.min(1000 * 2 ** Math.min(attempts, 20), 10 * 60 * 1000)
