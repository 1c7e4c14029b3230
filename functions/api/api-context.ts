/** What routes find in the context of a request. */
import type { AppServices } from '../../shared/app/app-services.ts';
import type { Principal } from '../../shared/domain/principal.ts';

/** Hono's type of our routers. */
export type ApiEnv = {
  Variables: { readonly services: AppServices; readonly principal: Principal };
};
