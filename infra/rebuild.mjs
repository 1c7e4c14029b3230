/**
 * Rebuilds the catalogue of a vault from its bucket, call by call until all is done:
 *
 *   BACKUP_CENTRE_TOKEN=... npm run rebuild -- https://the-api cn-hangzhou my-bucket [subdirectory]
 *
 * May be stopped and started again at any time; what is there already is left as it is.
 */
const [api, bucketRegion, bucketName, bucketSubdirectory = ''] = process.argv.slice(2);
const token = process.env.BACKUP_CENTRE_TOKEN;
if (bucketName === undefined || token === undefined) {
  console.error(
    'Usage: BACKUP_CENTRE_TOKEN=<token> npm run rebuild -- <api> <region> <bucket> [subdirectory]',
  );
  process.exit(2);
}

try {
  let cursor;
  do {
    const response = await fetch(new URL('/v1/rebuild', api), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ bucketRegion, bucketName, bucketSubdirectory, cursor }),
    });
    const reply = await response.json();
    if (!response.ok) throw new Error(`${reply.code}: ${reply.detail}`);
    show(reply);
    cursor = reply.nextCursor;
  } while (cursor !== undefined);
  console.log('Done. Plans that came back are paused: PATCH each with {"paused": false}.');
} catch (error) {
  console.error(`Cannot rebuild bucket ${bucketName} by ${api}: ${error.message}`);
  console.error('Start it again when that is mended: it goes on where it was.');
  process.exitCode = 1;
}

function show({ vault, plans, backups, clusterTroubles }) {
  console.log(
    `Vault ${vault.name}: ${backups.restored} backups restored, ${backups.present} were there, ` +
      `${backups.failed.length} failed, ${backups.active.length} being written`,
  );
  for (const name of plans.restored) console.log(`  plan ${name} restored, paused`);
  for (const why of [...plans.unreadable, ...backups.failed]) console.log(`  ${why}`);
  for (const { cluster, message } of clusterTroubles)
    console.log(`  cluster ${cluster}: ${message}`);
}
