"""One artefact as the files of a Maven repository, which Gradle reads from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from compile.package.bindings.naming import GROUP

_POM = """\
<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd">
  <modelVersion>4.0.0</modelVersion>
  <groupId>{group}</groupId>
  <artifactId>{name}</artifactId>
  <version>{version}</version>
  <packaging>aar</packaging>
  <name>{name}</name>
  <description>{description}</description>
</project>
"""
_VERSIONS = """\
<?xml version="1.0" encoding="UTF-8"?>
<metadata>
  <groupId>{group}</groupId>
  <artifactId>{name}</artifactId>
  <versioning>
    <latest>{version}</latest>
    <release>{version}</release>
    <versions>
      <version>{version}</version>
    </versions>
  </versioning>
</metadata>
"""
_SUMS = ("md5", "sha1", "sha256")


def maven_repository(
    name: str, version: str, description: str, archives: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files of a repository by path: archives, what describes them, and checksums.

    `archives` are by what stands behind name and version: ".aar", "-javadoc.jar". The layout is
    that of Maven 2.
    """
    values = {"group": GROUP, "name": name, "version": version, "description": description}
    stem = f"{GROUP}/{name}/{version}/{name}-{version}"
    files = {f"{stem}{ending}": content for ending, content in archives.items()}
    files[f"{stem}.pom"] = _POM.format(**values).encode()
    files[f"{GROUP}/{name}/maven-metadata.xml"] = _VERSIONS.format(**values).encode()
    sums = {
        f"{path}.{kind}": hashlib.new(kind, content, usedforsecurity=False).hexdigest().encode()
        for path, content in files.items()
        for kind in _SUMS
    }
    return {**files, **sums}
