import { globSync } from 'node:fs'

/** Every page of the documentation, relative to the project. */
export function documentationPages(root: string): string[] {
  return globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: root, exclude: ['**/node_modules'] }).sort()
}
