import NIOCore
import NIOPosix

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// A self-signed certificate for localhost, made by openssl when there is one.
struct Certificates {
    let certificate: String
    let key: String

    /// Nil if there is no openssl here; the test that needs it has nothing to say then.
    static func make() async throws -> Certificates? {
        let pool = NIOThreadPool.singleton
        return try await pool.runIfActive {
            var template = Array("/tmp/redis-tls.XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { return nil }
            let folder = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let made = Certificates(certificate: folder + "/cert.pem", key: folder + "/key.pem")
            let command =
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
                + " -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
                + " -keyout \(made.key) -out \(made.certificate) >/dev/null 2>&1"
            return run(command) == 0 ? made : nil
        }
    }

    /// Deletes both files.
    func remove() {
        for path in [certificate, key] { unlink(path) }
        rmdir(String(certificate.dropLast("/cert.pem".count)))
    }

    private static func run(_ command: String) -> Int32 {
        system(command)
    }
}
