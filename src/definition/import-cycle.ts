import { importTarget } from './code-imports.ts'
import { readCodeModule } from './code-module.ts'

/** The shortest way from a module, by the imports of the project, back to itself, both ends included; null where there is none. */
export function importCycle(url: string): readonly string[] | null {
  const cameFrom = new Map<string, string>()
  const reached = new Set([url])
  for (const from of reached) {
    for (const to of importedUrls(from)) {
      if (to === url) return wayTo(from, cameFrom).concat(url)
      if (!reached.has(to)) cameFrom.set(to, from)
      reached.add(to)
    }
  }
  return null
}

function wayTo(url: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const before = cameFrom.get(url)
  return before === undefined ? [url] : [...wayTo(before, cameFrom), url]
}

/** A module and all that it imports of the project, directly or not, nearest first. */
export function importedModules(url: string): ReadonlySet<string> {
  const reached = new Set([url])
  for (const from of reached) for (const to of importedUrls(from)) reached.add(to)
  return reached
}

function importedUrls(url: string): string[] {
  try {
    const targets = readCodeModule(url).specifiers.map((specifier) => importTarget(specifier, url))
    return targets.flatMap((target) => (target?.kind === 'code' ? [target.url] : []))
  } catch {
    return []
  }
}
