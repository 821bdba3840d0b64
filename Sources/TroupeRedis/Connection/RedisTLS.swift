import NIOCore

#if TLS
    import NIOSSL

    /// What a connection over TLS needs, read once.
    struct RedisTLS: Sendable {
        private let context: NIOSSLContext

        /// Reads the trusted authorities.
        init(_ tls: RedisConfiguration.TLS) throws(RedisError) {
            var settings = TLSConfiguration.makeClientConfiguration()
            if let file = tls.authorityFile { settings.trustRoots = .file(file) }
            if !tls.verifiesCertificate { settings.certificateVerification = .none }
            do {
                context = try NIOSSLContext(configuration: settings)
            } catch {
                throw RedisError(
                    .invalidConfiguration, "TLS to Redis cannot be set up", cause: error)
            }
        }

        /// Makes a new connection one over TLS.
        func add(to channel: any Channel, serverName: String?) throws {
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: context, serverHostname: serverName))
        }

        /// Whether a connection failed at its TLS.
        static func isFault(_ cause: any Error) -> Bool {
            cause is NIOSSLError || cause is BoringSSLError || cause is NIOSSLExtraError
        }

        /// Why it did.
        static func reason(_ cause: any Error) -> String {
            switch cause {
            case NIOSSLError.handshakeFailed(let inner):
                "\(inner)".contains("CERTIFICATE_VERIFY_FAILED")
                    ? "its certificate is not trusted"
                    : "the TLS handshake failed; does it speak TLS?"
            case NIOSSLError.unableToValidateCertificate, is NIOSSLExtraError:
                "its certificate is not valid for that name"
            default: "TLS failed"
            }
        }
    }
#else
    /// Stands for TLS in a build without it, and refuses.
    struct RedisTLS: Sendable {
        init(_: RedisConfiguration.TLS) throws(RedisError) {
            throw RedisError(
                .invalidConfiguration,
                "this program was built without TLS: enable the trait TLS of the package troupe")
        }

        func add(to channel: any Channel, serverName: String?) throws {}

        static func isFault(_ cause: any Error) -> Bool { false }

        static func reason(_ cause: any Error) -> String { "TLS failed" }
    }
#endif
