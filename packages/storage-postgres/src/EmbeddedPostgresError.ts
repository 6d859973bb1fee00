/**
 * Why an embedded server could not be started.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The server could not be started.
 *
 * @category errors
 * @since 0.1.0
 */
export class EmbeddedPostgresError
  extends Schema.TaggedError<EmbeddedPostgresError>("@lamina/storage-postgres/EmbeddedPostgresError")(
    "EmbeddedPostgresError",
    {
      reason: Schema.Literals(["BinariesMissing", "DataDirectoryUnusable", "InitFailed", "StartFailed"]),
      detail: Schema.String
    }
  )
{
  override get message(): string {
    return `embedded PostgreSQL: ${this.detail}`
  }
}
