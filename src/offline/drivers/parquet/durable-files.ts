import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Waits until a file, or the names in a folder, are on the disk. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a text so that its path holds all of it, also after a loss of power, or was never there. */
export async function writeDurably(path: string, text: string, temporary: string): Promise<void> {
  const handle = await open(temporary, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await moveDurably(temporary, path)
}

/** Moves a file that is on the disk to a folder, which is made where it is not there. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await makeDurably(dirname(to))
  await rename(from, to)
  await sync(dirname(to))
}

/** Makes a folder and those above it, each known to the one that holds it. */
export async function makeDurably(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await sync(dirname(made))
}

/** The paths of all files below a folder, relative to it; none where it is not there. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent)
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

/** The names in a folder; none where it is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(absent)
}

export const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true })

function absent(error: unknown): never[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
  throw error
}
