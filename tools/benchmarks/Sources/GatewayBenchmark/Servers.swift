import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Gives the same order, about 900 bytes of JSON, once to each cache.
struct Origin {
    let port: Int
    private let channel: any Channel

    static func start() async throws -> Origin {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Origin(port: channel.localAddress?.port ?? 0, channel: channel)
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let fields: HTTPHeaders = [
                "Content-Type": "application/json", "Content-Length": "\(Self.body.utf8.count)",
            ]
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: fields)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            let body = ByteBuffer(string: Self.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        static let body =
            #"{"order":{"id":"1","userId":"1","productId":"1","quantity":2,"status":"completed","#
            + #""total":{"amount":17800,"currency":"EUR"},"createdAt":"2026-01-05T09:30:00.000Z","#
            + #""updatedAt":"2026-01-05T09:30:01.250Z"},"user":{"id":"1","name":"Margot Fonteyn","#
            + #""email":"margot@example.com","createdAt":"2026-01-01T08:00:00.000Z","#
            + #""address":{"street":"Rue Scribe 8","city":"Paris","postcode":"75009","#
            + #""country":"FR"}},"product":{"id":"1","name":"Pointe shoes, satin, pair","#
            + #""price":{"amount":8900,"currency":"EUR"},"description":"Hand-made, hard shank, "#
            + #"sizes 34 to 43"},"payment":{"orderId":"1","status":"charged","chargeId":"ch_01","#
            + #""amount":{"amount":17800,"currency":"EUR"},"method":"card"},"shipment":"#
            + #"{"orderId":"1","status":"dispatched","trackingNumber":"TR-0000001","carrier":"#
            + #""sandbox","address":{"street":"Rue Scribe 8","city":"Paris","postcode":"75009","#
            + #""country":"FR"}}}"#
    }
}

/// nginx with one worker and a cache in memory-backed files.
struct Nginx {
    let port: Int
    let process: Process
    private let folder: URL

    static func start(originPort: Int, tools: Tools) throws -> Nginx {
        let memory = URL(fileURLWithPath: "/dev/shm")
        let parent =
            FileManager.default.fileExists(atPath: memory.path)
            ? memory : FileManager.default.temporaryDirectory
        let folder = parent.appendingPathComponent("gateway-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let port = try freePort()
        let file = folder.appendingPathComponent("nginx.conf")
        try configuration(folder.path, port: port, originPort: originPort)
            .write(to: file, atomically: true, encoding: .utf8)
        let process = try tools.start(
            tools.pinned(["nginx", "-p", folder.path, "-c", file.path], core: 0))
        Thread.sleep(forTimeInterval: 0.5)
        guard process.isRunning else { throw Failure("nginx did not start; is it installed?") }
        return Nginx(port: port, process: process, folder: folder)
    }

    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func configuration(_ folder: String, port: Int, originPort: Int) -> String {
        """
        daemon off;
        master_process off;
        worker_processes 1;
        pid \(folder)/nginx.pid;
        error_log \(folder)/error.log;
        events { worker_connections 1024; }
        http {
            access_log off;
            keepalive_requests 100000000;
            tcp_nodelay on;
            client_body_temp_path \(folder)/body;
            proxy_temp_path \(folder)/temp;
            fastcgi_temp_path \(folder)/fastcgi;
            uwsgi_temp_path \(folder)/uwsgi;
            scgi_temp_path \(folder)/scgi;
            proxy_cache_path \(folder)/cache keys_zone=shop:10m inactive=1h;
            upstream origin {
                server 127.0.0.1:\(originPort);
                keepalive 64;
                keepalive_requests 100000000;
            }
            server {
                listen 127.0.0.1:\(port);
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                location / {
                    proxy_pass http://origin;
                }
                location ~ /details$ {
                    proxy_pass http://origin;
                    proxy_cache shop;
                    proxy_cache_valid 200 1h;
                    add_header X-Cache $upstream_cache_status;
                }
            }
        }
        """
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> Int {
        let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).wait()
        defer { try? channel.close().wait() }
        return channel.localAddress?.port ?? 0
    }
}

/// The gateway in a process of its own, on its own core.
struct RunningGateway {
    let port: Int
    let process: Process

    static func start(originPort: Int, tools: Tools) throws -> RunningGateway {
        let pipe = Pipe()
        let program = CommandLine.arguments[0]
        let process = try tools.start(
            tools.pinned([program, "serve", "\(originPort)"], core: 0), output: pipe)
        var text = ""
        while !text.contains("\n") {
            let bytes = pipe.fileHandleForReading.availableData
            if bytes.isEmpty { throw Failure("the gateway did not start") }
            text += String(decoding: bytes, as: UTF8.self)
        }
        let line = text.split(separator: "\n").first ?? ""
        guard let port = line.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw Failure("the gateway said: \(text)")
        }
        return RunningGateway(port: port, process: process)
    }

    func stop() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
