/** A thread that hashes segments of a file until none is left. */
import { workerData } from "node:worker_threads"
import { Piece, pieceSize } from "./piece.ts"
import { SegmentHasher, type SegmentJob } from "./segments.ts"

const hashSegments = (job: SegmentJob): void => {
  const segments = new SegmentHasher(job)
  const piece = new Piece()
  for (let segment = segments.claim(); segment !== undefined; segment = segments.claim()) {
    for (let position = segment.start; position < segment.end; position += pieceSize) {
      piece.readSync(job.file, position, Math.min(pieceSize, segment.end - position))
      segments.hash(segment, position, piece.blocks)
    }
    segments.close(segment)
  }
}

hashSegments(workerData)
