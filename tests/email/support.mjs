// What a mail's HTML uses that some mail programs do not support, by the caniemail data: [[program, feature], ...].
// Usage: node support.mjs FOLDER PROGRAM... < mail.html, where FOLDER holds node_modules.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [folder, ...clients] = process.argv.slice(2);
const library = createRequire(`${folder}/`).resolve('caniemail');
const { caniemail } = await import(pathToFileURL(library));
const { issues } = caniemail({ clients, html: readFileSync(0, 'utf8') });
const found = [...issues.errors].flatMap(([client, list]) => list.map(({ title }) => JSON.stringify([client, title])));
console.log(`[${[...new Set(found)].sort()}]`);
