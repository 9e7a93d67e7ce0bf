import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline, Readable, type Transform } from 'node:stream'
import { pipeline as piped } from 'node:stream/promises'
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { LockstepError } from '../errors.ts'

/** How files of an ending are compressed, as DuckDB takes it. */
const packers: Readonly<Record<string, { readonly unpack: () => Transform; readonly pack: () => Transform }>> = {
  gz: { unpack: createGunzip, pack: createGzip },
  zst: { unpack: createZstdDecompress, pack: createZstdCompress },
}

const packerOf = (path: string) => packers[/\.(gz|zst)$/.exec(path)?.[1] ?? '']

/**
 * The lines of a text file, also a compressed one, with their ends, some at a time: however large it is. Each character is a byte, so that
 * what is no UTF-8 stays as it is. Throws `SOURCE_SCHEMA`.
 */
export async function* textLines(path: string): AsyncGenerator<readonly string[]> {
  const packer = packerOf(path)
  const file = createReadStream(path, { highWaterMark: 1 << 20 })
  // What fails, fails whoever reads.
  const bytes = packer ? pipeline(file, packer.unpack(), () => {}) : file
  let rest = ''
  try {
    for await (const chunk of bytes) {
      const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      if (lines.length > 0) yield lines.map((line) => `${line}\n`)
    }
  } catch (error) {
    throw new LockstepError('SOURCE_SCHEMA', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
      remedy: 'Check the format and the file.',
    })
  }
  if (rest !== '') yield [rest]
}

/** Writes a text file, compressed as the one that it takes the place of. */
export async function writeText(like: string, parts: AsyncIterable<Buffer>, to: string): Promise<void> {
  const packer = packerOf(like)
  await piped([Readable.from(parts), ...(packer ? [packer.pack()] : []), createWriteStream(to)])
}
