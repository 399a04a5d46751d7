import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { Identifier } from './identity-provider.js';
import { Identities } from './request-identity.js';

export interface IdentityOptions {
  readonly identifier: Identifier;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<IdentityOptions>()
    .setClassMethodName('forRoot')
    .build();

/** Who sends a request, for the guards: `IdentityModule.forRoot({ identifier })`. */
@Module({
  providers: [
    {
      provide: Identifier,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: ({ identifier }: IdentityOptions) => identifier,
    },
    Identities,
  ],
  exports: [Identifier, Identities],
})
export class IdentityModule extends ConfigurableModuleClass {}
