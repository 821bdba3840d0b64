import Gateway

extension GatewayConfiguration {
    /// Points upstreams that bear the name of a service at where that service is.
    ///
    /// Our own file names the usual ports; with another first port they are elsewhere. In a file
    /// of somebody else's only what names the usual port of a service on this machine is meant
    /// so: whatever else it names is where it says.
    mutating func pointUpstreams(
        at addresses: Addresses, without excluded: Set<SystemService>, ofOwnFile isOwn: Bool
    ) {
        for index in upstreams.indices {
            guard let name = SystemService(rawValue: upstreams[index].name),
                isOwn || !excluded.contains(name)
            else { continue }
            let place = UpstreamTarget(host: addresses.callHost, port: addresses.port(of: name))
            let usual = Addresses.firstPort + name.offset
            upstreams[index].targets =
                isOwn
                ? [place]
                : upstreams[index].targets.map { target in
                    let isHere = ["127.0.0.1", "localhost", "::1"].contains(target.host)
                    return isHere && target.port == usual ? place : target
                }
        }
    }
}
