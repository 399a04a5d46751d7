import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, type Observable } from 'rxjs';
import { toHttpException } from './http-exceptions.js';
import { type Routed, routeTextsOf } from './route-errors.js';

/**
 * Turns errors of the module's services into HttpExceptions for the
 * application's own filter. Bind it to a controller that calls the services:
 * `@UseInterceptors(HttpExceptionsInterceptor)`.
 */
@Injectable()
export class HttpExceptionsInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Routed>();
    const { notFound } = routeTextsOf(request);
    return next.handle().pipe(
      catchError((error: unknown) => {
        throw toHttpException(error, notFound);
      }),
    );
  }
}
