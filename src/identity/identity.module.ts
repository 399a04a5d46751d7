import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { IdentityProvider } from './identity-provider.js';
import { IdentityGuard } from './identity.guard.js';
import { RequestIdentity } from './request-identity.js';

export interface IdentityOptions {
  readonly provider: IdentityProvider;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<IdentityOptions>()
    .setClassMethodName('forRoot')
    .build();

/** Identifies callers: `IdentityModule.forRoot({ provider })`. Exports `IdentityGuard` and what it needs. */
@Module({
  providers: [
    {
      provide: IdentityProvider,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: ({ provider }: IdentityOptions) => provider,
    },
    RequestIdentity,
    IdentityGuard,
  ],
  exports: [IdentityProvider, RequestIdentity, IdentityGuard],
})
export class IdentityModule extends ConfigurableModuleClass {}
