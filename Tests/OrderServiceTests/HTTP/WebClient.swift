import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Talks to a service as any HTTP client would, and reads JSON loosely.
struct WebClient: Sendable {
    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var json: [String: Any]

        /// The pointers, parameters and headers that a problem names, in its order.
        var faults: [String] {
            (json["errors"] as? [[String: String]] ?? []).compactMap {
                $0["pointer"] ?? $0["parameter"] ?? $0["header"]
            }
        }

        func header(_ name: String) -> String? { headers.first(name: name) }

        func text(_ name: String) -> String? { json[name] as? String }
    }

    let port: Int

    func get(_ path: String) async throws -> Answer {
        try await send(.GET, path, nil, [:])
    }

    func post(
        _ path: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        try await send(.POST, path, body, headers)
    }

    func put(_ path: String, _ body: String) async throws -> Answer {
        try await send(.PUT, path, body, [:])
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: String?, _ headers: [String: String]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let content = try await response.body.collect(upTo: 1 << 20)
        let json = try? JSONSerialization.jsonObject(with: Data(content.readableBytesView))
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            json: json as? [String: Any] ?? [:])
    }
}
