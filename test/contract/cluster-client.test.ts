import { InMemoryClusterClient } from '../support/in-memory-cluster-client.ts';
import { SAMPLE_RESOURCES } from '../support/sample-resources.ts';
import { describeClusterClient } from './cluster-client.contract.ts';

describeClusterClient('InMemoryClusterClient', async () => {
  const client = new InMemoryClusterClient(SAMPLE_RESOURCES);
  return {
    client,
    expireTokens: async () => client.expireContinueTokens(),
    close: async () => await client.close(),
  };
});
