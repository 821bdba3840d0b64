import AsyncHTTPClient
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tells errors after which it is certain that nothing of a request went out.
///
///     no name, no address, nobody listens ─ the connection was never there
///     it took too long to connect ───────── the same
///     anything else ─────────────────────── the request may have arrived
enum UnsentReason {
    static func isOne(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError:
            certain.contains(error)
        case is NIOConnectionError:
            true
        case let error as IOError:
            // No connection that was there once fails for this.
            error.errnoCode == ECONNREFUSED
        default:
            false
        }
    }

    private static let certain: [HTTPClientError] = [
        .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .alreadyShutdown,
        .invalidURL, .emptyHost, .emptyScheme,
    ]
}
